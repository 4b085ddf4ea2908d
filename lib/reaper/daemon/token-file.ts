import { readFile } from 'node:fs/promises';
import { CastoffError, messageOf } from '../../core/errors';
import type { ReaperSettings } from './settings';

/**
 * The settings, with the token that stands in their `tokenFile`: the text of that file without the blanks around it.
 *
 * @throws CastoffError `CONFIG_INVALID` when there is a token besides, or the file cannot be read or is empty.
 */
export async function withTokenOfFile(settings: ReaperSettings): Promise<ReaperSettings> {
  const { tokenFile } = settings;
  if (tokenFile === undefined) return settings;
  const refuse = (why: string, cause?: unknown) =>
    new CastoffError('CONFIG_INVALID', `read the token in ${tokenFile}: ${why}`, { cause });
  if (settings.token !== undefined) throw refuse('CASTOFF_REAPER_TOKEN is set too; give one of the two');
  const token = await readFile(tokenFile, 'utf8').catch((error: unknown) => {
    throw refuse(messageOf(error), error);
  });
  if (token.trim() === '') throw refuse('it is empty');
  return { ...settings, token: token.trim() };
}
