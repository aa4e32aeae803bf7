import { describeStreaming } from '../support/streaming-suite.js';

describeStreaming(2000);
