import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { serviceProcess } from '../../src/service-process.js';

const FORK = '/opt/node_modules/pm2/lib/ProcessContainerFork.js';
const CLUSTER = '/opt/node_modules/pm2/lib/ProcessContainer.js';
const of = (entry: string | undefined, env: Record<string, string> = {}) => {
  const {
    entry: found,
    directory,
    env: seen,
  } = serviceProcess({ argv: ['node', ...(entry === undefined ? [] : [entry])], env, cwd: () => '/daemon' });
  return [found, directory, seen['AUDIT_MODE']];
};

describe('the process of a service', () => {
  it('is its own where nobody stands between', () => {
    assert.deepEqual(of('/app/server.js', { AUDIT_MODE: 'attach', pm_exec_path: '/parent.js' }), ['/app/server.js', '/daemon', 'attach']);
    assert.deepEqual(of(undefined), [undefined, '/daemon', undefined]);
  });

  it('is what PM2 was told, in fork and in cluster mode', () => {
    const told = { pm_exec_path: '/app/server.js', pm_cwd: '/app', AUDIT_MODE: 'attach' };
    assert.deepEqual(of(FORK, told), ['/app/server.js', '/app', 'attach']);
    assert.deepEqual(of(CLUSTER, { pm2_env: JSON.stringify({ ...told, env: {} }) }), ['/app/server.js', '/app', 'attach']);
    assert.deepEqual(of(CLUSTER, { pm2_env: 'no JSON' }), [CLUSTER, '/daemon', undefined]);
  });
});
