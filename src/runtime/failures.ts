/**
 * The last line: told of what was thrown, or rejected, where nothing could catch it. Without it Node ends
 * the process on the spot. @returns what gives that back
 */
export function listenForFailures(onFailure: (error: unknown) => void): () => void {
  process.on('uncaughtException', onFailure);
  process.on('unhandledRejection', onFailure);
  return () => {
    process.off('uncaughtException', onFailure);
    process.off('unhandledRejection', onFailure);
  };
}
