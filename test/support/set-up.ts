import { afterAll, vi } from 'vitest';
import { resolveDrizzleQuickly } from '../../src/db/drizzle-resolution.ts';
import { undoAll } from './clean-up.ts';

// Before each test file, which may share its process with others.
resolveDrizzleQuickly(); // as `pdfprompt` itself does first
afterAll(() => vi.unstubAllEnvs());
afterAll(undoAll);
