/** For what takes long to make and is often not needed. @returns a function that calls `make` the first time only, and returns what it made */
export function lazily<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
