import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { audit, currentAudit, setActor } from '../../src/index.js';

interface Actions {
  'invoice.approved': { readonly amount: number };
  'stock.counted': undefined;
}

describe('the API without a pipeline', () => {
  it('does nothing, and runs what it is given', async () => {
    assert.equal(await audit({ action: 'a.b' }), undefined);
    assert.equal(await audit.login({ actor: 'ada' }), undefined);
    assert.equal(
      audit.run({ action: 'a.b' }, () => 7),
      7,
    );
    assert.throws(
      () =>
        audit.run({}, () => {
          throw new RangeError('own');
        }),
      RangeError,
    );
    setActor('ada');
    assert.equal(currentAudit(), undefined);
  });

  it('is typed by the actions of the service', async () => {
    await audit<Actions>({ action: 'invoice.approved', metadata: { amount: 3 } });
    await audit<Actions>({ action: 'stock.counted' });
    // @ts-expect-error: no such action
    await audit<Actions>({ action: 'invoice.aproved', metadata: { amount: 3 } });
    // @ts-expect-error: metadata of the wrong type
    await audit<Actions>({ action: 'invoice.approved', metadata: { amount: '3' } });
    // @ts-expect-error: metadata is missing
    await audit<Actions>({ action: 'invoice.approved' });
    await audit({ action: 'anything', metadata: { at: 'all' } });
  });
});
