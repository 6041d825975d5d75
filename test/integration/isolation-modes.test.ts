/** @module-tag long */

import { describeIsolation } from '../support/isolation.ts';

describeIsolation('job');
describeIsolation('shared');
describeIsolation('static');
