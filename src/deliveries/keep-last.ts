/** Adds a value, and removes the oldest ones beyond `count`. */
export function keepLast(values: Set<string>, value: string, count: number): void {
  values.add(value);
  for (const oldest of values) {
    if (values.size <= count) break;
    values.delete(oldest);
  }
}
