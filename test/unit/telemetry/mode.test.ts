import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chooseMode, type ModeFacts } from '../../../src/telemetry/mode.js';

const modeOf = (facts: Partial<ModeFacts>): string =>
  chooseMode({ configured: 'auto', manifest: {}, nodeArguments: [], hasOtelGlobal: false, hasWrappedServer: false, ...facts }).mode;

describe('the mode', () => {
  it('is standalone where nothing else is', () => {
    assert.equal(modeOf({}), 'standalone');
    assert.equal(modeOf({ manifest: { dependencies: { express: '5', '@opentelemetry/api': '1' } } }), 'standalone');
    assert.equal(modeOf({ nodeArguments: ['--require', 'otel-audit/register', '--import=tsx'] }), 'standalone');
  });

  it('is attach where the service declares or preloads an SDK, or one is at work', () => {
    assert.equal(modeOf({ manifest: { dependencies: { '@sentry/node': '10' } } }), 'attach');
    assert.equal(modeOf({ manifest: { optionalDependencies: { applicationinsights: '3' } } }), 'attach');
    assert.equal(modeOf({ nodeArguments: ['--require', 'dd-trace/init'] }), 'attach');
    assert.equal(modeOf({ nodeArguments: ['--import=@opentelemetry/auto-instrumentations-node/register'] }), 'attach');
    assert.equal(modeOf({ nodeArguments: ['-r', '/app/node_modules/newrelic/index.js'] }), 'attach');
    assert.equal(modeOf({ hasOtelGlobal: true }), 'attach');
    assert.equal(modeOf({ hasWrappedServer: true }), 'attach');
  });

  it('is what the setting says, whatever there is', () => {
    assert.equal(modeOf({ configured: 'standalone', hasOtelGlobal: true }), 'standalone');
  });
});
