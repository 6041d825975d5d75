// When something was, in UTC as on every page here.

import { element } from './dialog.js';

export const whenOf = (iso) =>
  element('time', { datetime: iso, title: iso }, `${iso.slice(0, 10)} ${iso.slice(11, 16)}`);
