/** Which sections of a report are evidence for which control, and what they are not. The wording is ours, not the standards'. */

export interface Control {
  readonly standard: string;
  readonly control: string;
  readonly asks: string;
  /** Ids of sections of the report. */
  readonly sections: readonly SectionId[];
  /** What somebody has to show by other means. */
  readonly notShown: string;
}

export type SectionId = 'volume' | 'actors' | 'logins' | 'privilege' | 'changes' | 'coverage' | 'completeness' | 'integrity' | 'retention';

export const CONTROLS: readonly Control[] = [
  {
    standard: 'SOC 2',
    control: 'CC7.2, CC7.3',
    asks: 'anomalies are watched for and judged',
    sections: ['volume', 'logins', 'privilege', 'completeness'],
    notShown: 'that somebody reads the alerts, judges them and acts',
  },
  {
    standard: 'SOC 2',
    control: 'CC6.1, CC6.3',
    asks: 'access is restricted and follows roles',
    sections: ['actors', 'privilege', 'logins'],
    notShown: 'that the roles are the right ones; how they are granted and withdrawn',
  },
  {
    standard: 'ISO/IEC 27001:2022',
    control: 'A.8.15',
    asks: 'activities, exceptions and faults are logged; logs are protected, kept and analysed',
    sections: ['coverage', 'completeness', 'integrity', 'retention', 'volume'],
    notShown: 'logs of operating systems, networks and other applications',
  },
  {
    standard: 'ISO/IEC 27001:2022',
    control: 'A.8.17',
    asks: 'clocks are synchronised',
    sections: [],
    notShown: 'the clock of the recording machines: times here are theirs, in UTC',
  },
  {
    standard: 'PCI DSS 4.0.1',
    control: '10.2.1, 10.2.2',
    asks: 'who, what, when, from where, on what, and with what outcome; start and stop of logging; access to the logs',
    sections: ['actors', 'privilege', 'logins', 'changes', 'completeness'],
    notShown: 'access to systems that do not record here; reading the trail by other means than this tool',
  },
  {
    standard: 'PCI DSS 4.0.1',
    control: '10.3, 10.5',
    asks: 'logs cannot be changed unnoticed, and are kept for twelve months, three at hand',
    sections: ['integrity', 'retention'],
    notShown: 'who may administer the database, and its backups',
  },
  {
    standard: 'HIPAA',
    control: '45 CFR 164.312(b)',
    asks: 'activity in systems with protected health information is recorded and examined',
    sections: ['coverage', 'actors', 'changes', 'volume'],
    notShown: 'that the records are examined; which systems hold such information',
  },
  {
    standard: 'OWASP ASVS 5.0',
    control: 'V16.1, V16.2',
    asks: 'an inventory of what is logged; each entry says when, where, who and what, and holds no secret',
    sections: ['coverage', 'actors'],
    notShown: 'that no secret was logged: redaction is tested, and no test is complete',
  },
  {
    standard: 'OWASP ASVS 5.0',
    control: 'V16.3, V16.4',
    asks: 'authentication and authorization events are logged, and logs are protected against change',
    sections: ['logins', 'privilege', 'integrity'],
    notShown: 'attempts that never reached the service',
  },
];
