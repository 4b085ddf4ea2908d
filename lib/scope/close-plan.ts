/** An item of a scope. Calls run alone; neighbouring resources are removed together. */
export type ScopeItem<Call, Resource> =
  { readonly type: 'call'; readonly call: Call } | { readonly type: 'resource'; readonly resource: Resource };

/** One step of a close: a call, or resources that are removed together. */
export type CloseStep<Call, Resource> =
  | { readonly type: 'call'; readonly call: Call }
  | { readonly type: 'resources'; readonly resources: readonly Resource[] };

/** Returns the steps that close a scope: last in, first out, with neighbouring resources in one step. */
export function planClose<Call, Resource>(
  items: readonly ScopeItem<Call, Resource>[],
): readonly CloseStep<Call, Resource>[] {
  const steps: CloseStep<Call, Resource>[] = [];
  for (const item of items.toReversed()) {
    const last = steps.at(-1);
    if (item.type === 'call') steps.push(item);
    else if (last?.type === 'resources')
      steps[steps.length - 1] = { type: 'resources', resources: [...last.resources, item.resource] };
    else steps.push({ type: 'resources', resources: [item.resource] });
  }
  return steps;
}
