/**
 * The part of jest-runtime that tracks whether test code runs. @see jest-runtime 30, `enterTestCode`; Jest 29
 * has none
 */
interface TestStateOwner {
  enterTestCode?(): void;
  leaveTestCode?(): void;
}

/**
 * Runs `work` as Jest runs a hook. Outside of hooks and tests, Jest 30 refuses to load modules and to use
 * `jest`.
 */
export async function asTestCode<T>(runtime: unknown, work: () => Promise<T>): Promise<T> {
  const owner = runtime as TestStateOwner | undefined;
  owner?.enterTestCode?.();
  try {
    return await work();
  } finally {
    owner?.leaveTestCode?.();
  }
}
