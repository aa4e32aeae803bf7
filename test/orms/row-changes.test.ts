import { describeOrm } from '../support/orm-suite.js';

for (const name of ['pg-streams', 'knex', 'objection', 'kysely', 'drizzle', 'sequelize', 'typeorm', 'mikro-orm', 'prisma'])
  describeOrm({ name });
