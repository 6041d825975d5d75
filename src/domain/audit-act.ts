/** A document is looked at: written before anything of it is sent. */
export const LOOKS = [
  'looked at a file',
  'looked at thumbnails',
  'looked at the source',
  'looked at a file of the source',
  'looked at the picture',
  'looked at what the page said',
  'looked at a template',
] as const;
export type Look = (typeof LOOKS)[number];

/** Somebody comes to the console or leaves it. */
export const VISITS = [
  'signed in',
  'refused',
  'signed out',
  'made a sign-in link',
  'ended a session',
  'signed out everywhere',
] as const;
export type Visit = (typeof VISITS)[number];

/** Something is done on behalf of others. */
export const ACTS = [
  'cancelled a job',
  'retried a job',
  'deleted a PDF',
  'cancelled a batch',
  'retried a batch',
  'sent deliveries again',
  'started an action',
  'stopped an action',
  'paused',
  'resumed',
  'created a user',
  'erased a user',
  "set a user's tier",
  "set a user's limits",
  'created a key',
  'rotated a key',
  'revoked a key',
  'defined a tier',
  'deleted a tier',
] as const;
export type Act = (typeof ACTS)[number];

/** What the audit log has, as its page and its filter name it. */
export const AUDITED = [...LOOKS, ...ACTS, ...VISITS] as const;
export type Audited = (typeof AUDITED)[number];
