/** Removes passwords in URLs, query strings of web addresses, API keys and links, which errors of libraries quote. Takes linear time. */
export function withoutSecrets(text: string): string {
  // Each run of characters matches as a whole, with or without an @, so that the time stays linear.
  const withoutPasswords = text.includes('://') ? text.replaceAll(/([^\s"@]+)(@?)/g, withoutPassword) : text;
  const withoutQueries = withoutPasswords.includes('://')
    ? withoutPasswords.replaceAll(/[^\s"\\]+/g, withoutQuery)
    : withoutPasswords;
  return withoutQueries
    .replaceAll(/\bpdf_[0-9A-Za-z]{20,}/g, 'pdf_[redacted]')
    .replaceAll(/\/v1\/links\/[\w-]{20,}/g, '/v1/links/[redacted]');
}

function withoutPassword(run: string, text: string, end: string): string {
  const user = end === '@' ? /\w:\/\/[^:/]*:/.exec(text) : null;
  return user ? `${text.slice(0, user.index + user[0].length)}[redacted]@` : run;
}

function withoutQuery(run: string): string {
  const from = run.search(/https?:\/\//i);
  const length = from === -1 ? -1 : run.slice(from).search(/[?#]/);
  return length === -1 ? run : run.slice(0, from + length);
}
