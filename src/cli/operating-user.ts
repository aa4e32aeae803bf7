/** Who runs a command, for what it records. */

import { userInfo } from 'node:os';
import type { ActorInput } from '../api.js';

/** Whoever the operating system says it is; behind sudo, who called it. */
export function operatingUser(): ActorInput {
  return { id: process.env['SUDO_USER'] ?? userInfo().username, type: 'user', verified: false };
}
