import { unprivilegedIdentity } from '../kernel/privileges.ts';

/** The user of Chromium when this process is root: one who owns nothing. */
export const chromiumIdentity = () => unprivilegedIdentity(['nobody']);
