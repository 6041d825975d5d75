/** 32 hexadecimal digits. Not `crypto.randomUUID`: pages that are not served by HTTPS do not have it. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
