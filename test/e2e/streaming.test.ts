import { describeStreaming } from '../support/streaming-suite.js';

// 2,000 MB in test/long.
describeStreaming(64);
