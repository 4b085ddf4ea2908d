import { cutText } from '../../core/cut-text';

type RyukLine =
  { readonly labels: readonly string[]; readonly token: string | undefined } | { readonly refusal: string };

/**
 * Parses `label=a=b&label=c=d`, raw or percent-encoded; a resource must carry all labels. A line with any
 * other filter is refused as a whole: without that filter, it would match more resources than the client
 * owns. `token=<token>` is no filter: castoff's reaper may require it.
 *
 * @see moby-ryuk, url.ParseQuery: `+` is a space, `;` is refused
 */
export function parseRyukLine(line: string): RyukLine {
  const labels: string[] = [];
  let token: string | undefined;
  for (const part of line.split('&')) {
    if (part === '') continue;
    if (part.includes(';')) return { refusal: 'a semicolon; separate filters with &' };
    const at = part.indexOf('=');
    const type = decode(at === -1 ? part : part.slice(0, at));
    const value = at === -1 ? '' : decode(part.slice(at + 1));
    if (type === undefined || value === undefined) return { refusal: 'invalid percent-encoding' };
    if (type === 'token') token = value;
    else if (type === 'label') labels.push(value);
    else return { refusal: `a filter by ${JSON.stringify(cutText(type, 60))}; only labels can be claimed` };
  }
  return { labels, token };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    // URIError: a lone or broken `%`.
    return undefined;
  }
}
