import type { MainRun } from './main-run';

/**
 * Never resolves where a signal is ending the process: it closes the run, reports that, and dies. Jest without castoff would be dead: it runs no
 * hook and prints no error of one.
 */
export async function holdWhileDying({ signals }: Pick<MainRun, 'signals'>): Promise<void> {
  if (!signals.isDying) return;
  // Where other code listens for the signal too, it is delivered in a later turn: the process must still be up then.
  await new Promise<never>(() => void setInterval(() => undefined, 60_000));
}
