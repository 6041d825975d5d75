import { CHROMIUM_ROUTES } from './chromium/chromium-routes.ts';
import { ENGINE_ROUTES } from './engines/engine-routes.ts';
import type { FormRoute } from './form-route.ts';

/** Every route of Gotenberg that takes a form and that we have. */
export const FORM_ROUTES: readonly FormRoute[] = [...CHROMIUM_ROUTES, ...ENGINE_ROUTES];
