// SPDX-License-Identifier: MPL-2.0
// What a plugin under test logs, kept for assertions.
import type { LogLine, PluginLog } from '../plugin.js';

export interface LoggedLine {
  level: 'debug' | 'info' | 'warn' | 'error';
  message: string;
  details: Record<string, unknown>;
}

export function recorder(lines: LoggedLine[]): PluginLog {
  const at =
    (level: LoggedLine['level']): LogLine =>
    (first: object | string, message?: string) => {
      const details = typeof first === 'string' ? {} : { ...first };
      lines.push({ level, message: message ?? String(first), details });
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
