/** What somebody sends, over print settings that are there already; of `options` each by itself. */
export function overSettings(
  settings: Record<string, unknown>,
  sent: Record<string, unknown>,
): Record<string, unknown> {
  const options = { ...(settings.options as object | undefined), ...(sent.options as object | undefined) };
  return { ...settings, ...sent, options };
}
