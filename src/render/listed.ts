/** Lines of a message, at most. */
const MAX_LINES = 20;

/** A message with a line for each thing, each once: as many as are read. */
export function listed(head: string, things: readonly string[]): string {
  const lines = [...new Set(things)];
  const more = lines.length - MAX_LINES;
  return [`${head}:`, ...lines.slice(0, MAX_LINES), ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
}
