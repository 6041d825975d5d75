import type { FormRoute } from './form-route.ts';

/** Every route of Gotenberg that takes a form and that we have. */
export const FORM_ROUTES: readonly FormRoute[] = [];
