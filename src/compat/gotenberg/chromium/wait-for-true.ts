/**
 * An expression of the caller as a function that is true only when the expression is exactly `true`.
 * On lines of its own, as it may end with a comment.
 */
export function waitForTrue(expression: string): string {
  return `async () => await (\n${expression}\n)`;
}
