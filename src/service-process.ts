/** Where the service starts and what it is told, seen through PM2, which starts a container script that loads the service later. */

export interface ServiceProcess {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The service's entry script. */
  readonly entry: string | undefined;
  /** The service's working directory. */
  readonly directory: string;
}

const PM2_CONTAINER = /[\\/]pm2[\\/]lib[\\/]ProcessContainer(?:Fork)?\.js$/;

export function serviceProcess(owner: Pick<NodeJS.Process, 'argv' | 'env' | 'cwd'>): ServiceProcess {
  const [, entry] = owner.argv;
  if (entry === undefined || !PM2_CONTAINER.test(entry)) return { env: owner.env, entry, directory: owner.cwd() };
  const env = { ...owner.env, ...clusterEnvironment(owner.env['pm2_env']) };
  return { env, entry: env['pm_exec_path'] ?? entry, directory: env['pm_cwd'] ?? owner.cwd() };
}

/** In PM2's cluster mode the app's environment is one JSON text until the container runs, which is after the preload. */
function clusterEnvironment(text: string | undefined): Readonly<Record<string, string>> {
  if (text === undefined) return {};
  try {
    const entries = Object.entries(JSON.parse(text) as Readonly<Record<string, unknown>>);
    return Object.fromEntries(entries.filter(([, value]) => typeof value !== 'object').map(([name, value]) => [name, String(value)]));
  } catch {
    return {};
  }
}
