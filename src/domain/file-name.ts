/** Characters of a file's path. */
const MAX_NAME = 500;

// oxlint-disable-next-line no-control-regex -- it excludes control characters
const CONTROL = /[\u0000-\u001f\u007f]/;

/**
 * Why a text is no path of a file in a document's folder: `fonts/Inter Bold.woff2`.
 * @returns undefined if it is one
 */
export function fileNameProblem(name: string): string | undefined {
  if (name === '' || name.length > MAX_NAME) return `allowed: a path of 1 to ${MAX_NAME} characters`;
  if (CONTROL.test(name)) return 'allowed: a path without control characters';
  if (name.includes('\\')) return 'allowed: a path with / between folders, without \\';
  const segments = name.split('/');
  if (segments.includes('')) return 'allowed: a relative path, without / at an end and //';
  if (segments.some((segment) => segment.startsWith('.')))
    return 'allowed: a path without . and .., and without hidden files and folders';
  if (name.normalize('NFC') !== name) return 'allowed: a path in Unicode’s composed form (NFC)';
  return undefined;
}
