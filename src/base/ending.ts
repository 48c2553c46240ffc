// Ending what was begun: whatever fails on the way, everything after it is ended too.

/** Takes one step after the other, also when one of them fails; then throws what failed first. */
export async function endAll(...steps: readonly (() => unknown)[]): Promise<void> {
  const failures: unknown[] = []
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}
