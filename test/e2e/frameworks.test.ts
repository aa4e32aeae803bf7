import { OWN_FRAMEWORKS } from '../support/framework-cases.js';
import { describeFramework } from '../support/framework-suite.js';

// The other frameworks are in test/frameworks: their packages are no part of this repository's.
for (const framework of OWN_FRAMEWORKS) describeFramework(framework);
