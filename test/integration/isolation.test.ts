import { describeIsolation } from '../support/isolation.ts';

describeIsolation('tenant'); // the others: isolation-modes.test.ts
