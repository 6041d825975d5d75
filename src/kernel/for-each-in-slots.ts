/**
 * Runs `work` on every item, so many at a time. After a failure no further item is begun.
 * @throws the first failure, once everything that was begun has ended
 */
export async function forEachInSlots<T>(
  items: Iterable<T>,
  slots: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const remaining = (function* () {
    yield* items;
  })(); // a failure in one loop over it ends it for the others
  const running = Array.from({ length: slots }, async () => {
    for (const item of remaining) await work(item);
  });
  await Promise.allSettled(running);
  await Promise.all(running);
}
