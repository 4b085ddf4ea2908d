/** Something in a scope, in the order in which it came. A `call` is a fence; `thing`s that stand together go together. */
export type ScopeItem<Call, Thing> =
  { readonly type: 'call'; readonly call: Call } | { readonly type: 'thing'; readonly thing: Thing };

export type CloseStep<Call, Thing> =
  | { readonly type: 'call'; readonly call: Call }
  | { readonly type: 'things'; readonly things: readonly Thing[] };

/** Last in, first out; consecutive things in one step, since their removals can run in parallel. */
export function planClose<Call, Thing>(
  items: readonly ScopeItem<Call, Thing>[],
): readonly CloseStep<Call, Thing>[] {
  const steps: CloseStep<Call, Thing>[] = [];
  for (const item of items.toReversed()) {
    const last = steps.at(-1);
    if (item.type === 'call') steps.push(item);
    else if (last?.type === 'things')
      steps[steps.length - 1] = { type: 'things', things: [...last.things, item.thing] };
    else steps.push({ type: 'things', things: [item.thing] });
  }
  return steps;
}
