/** For authors of exporters: the suite that ours pass, and records to try one with. For `node --test`; needs fast-check. */

export { type ExporterContract, type ExporterUnderTest, exporterContract } from './exporter-contract.js';
export { chained, exampleRecord, exampleRecords, hostileRecords, verifies } from './records.js';
