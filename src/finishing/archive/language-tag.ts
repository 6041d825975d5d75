const TAG = /^[a-zA-Z]{1,8}(?:-[a-zA-Z0-9]{1,8})*$/;

/**
 * The language tag that is meant: `en-US` of `en_US.UTF-8`, and of `en-US@posix`, which Chromium writes where the
 * system has no locale. @returns undefined if none is
 */
export function languageTag(written: string): string | undefined {
  const [locale = ''] = written.split(/[@.]/, 1);
  const tag = locale.trim().replaceAll('_', '-');
  return TAG.test(tag) ? tag : undefined;
}
