#!/usr/bin/env node
/** The command line: one command a file. */

import { Command } from 'commander';
import { nearestPackage } from '../config.js';
import { migrateCommand } from './migrate.js';

const program = new Command('otel-audit')
  .description('The audit trail of Node services')
  .version(nearestPackage(__dirname).version ?? 'unknown');
program.addCommand(migrateCommand());
void program.parseAsync();
