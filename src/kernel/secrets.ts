/** `postgres://user:secret@host` and bearer keys, as errors of libraries like to quote them. Time is linear in the text. */
export function withoutSecrets(text: string): string {
  // Each run matches as a whole, with or without what a password ends with, so that none is read again from its middle.
  const withoutPasswords = text.includes('://') ? text.replaceAll(/([^\s"@]+)(@?)/g, withoutPassword) : text;
  return withoutPasswords.replaceAll(/\bpdf_[0-9A-Za-z]{20,}/g, 'pdf_[redacted]');
}

function withoutPassword(run: string, text: string, end: string): string {
  const user = end === '@' ? /\w:\/\/[^:/]*:/.exec(text) : null;
  return user ? `${text.slice(0, user.index + user[0].length)}[redacted]@` : run;
}
