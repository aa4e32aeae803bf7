import { describeOrm } from '../support/orm-suite.js';

describeOrm({ name: 'pg', isOwn: true });
describeOrm({ name: 'postgres', isOwn: true });
describeOrm({ name: 'postgres', isOwn: true, env: { BY_HAND: '1' }, title: 'postgres as an ES module, by one line' });
