import { readFile } from 'node:fs/promises';
import { CastoffError, messageOf } from '../../core/errors';
import type { ReaperSettings } from './settings';

/**
 * Resolves to the settings with the token from their `tokenFile`, if set: the file's trimmed text.
 *
 * @throws CastoffError `CONFIG_INVALID` when a token is set as well, or the file is empty or unreadable.
 */
export async function withTokenOfFile(settings: ReaperSettings): Promise<ReaperSettings> {
  const { tokenFile } = settings;
  if (tokenFile === undefined) return settings;
  const refuse = (reason: string, cause?: unknown) =>
    new CastoffError('CONFIG_INVALID', `read the token in ${tokenFile}: ${reason}`, { cause });
  if (settings.token !== undefined) throw refuse('CASTOFF_REAPER_TOKEN is set, too; set one of the two');
  const token = await readFile(tokenFile, 'utf8').catch((error: unknown) => {
    throw refuse(messageOf(error), error);
  });
  if (token.trim() === '') throw refuse('it is empty');
  return { ...settings, token: token.trim() };
}
