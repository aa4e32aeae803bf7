import { FRAMEWORKS, OWN_FRAMEWORKS } from '../support/framework-cases.js';
import { describeFramework } from '../support/framework-suite.js';

for (const framework of [...OWN_FRAMEWORKS, ...FRAMEWORKS]) describeFramework(framework, 10_000);
