import { reaperImage } from '../lease/image-recipe';
import { failure, ok, warning, type DoctorCheck, type CheckResult } from './doctor-check';
import { judgeReading } from './check-engine';
import type { DoctorFacts, EngineReadings } from './doctor-facts';

const buildAdvice = 'npx castoff reaper image builds it, without any registry';
const unread = 'the engine could not be asked for its image';
const engineAdvice = 'correct the engine first, and run castoff doctor again';
const consequence = 'what a crash leaves stays until the next sweep';

/** Judges which reaper a session would take and why, and whether each kind of reaper can be had. */
export function checkReaper(facts: DoctorFacts): readonly DoctorCheck[] {
  const { reaper, engine } = facts;
  const taken: DoctorCheck = {
    name: 'reaper',
    ...('error' in reaper
      ? failure(reaper.error, 'correct the variable, or unset it')
      : judgeChoice(reaper.value, facts)),
  };
  if ('error' in engine) return [taken];
  return [
    taken,
    { name: 'image', ...judgeReading(engine.value.hasReaperImage, (has) => judgeImage(has, engine.value)) },
    { name: 'process', ...judgeReading(engine.value.hostReaper, judgeHostReaper) },
  ];
}

type Choice = Extract<DoctorFacts['reaper'], { readonly value: unknown }>['value'];

function judgeChoice(choice: Choice, facts: DoctorFacts): CheckResult {
  if (typeof choice === 'object') return judgeAddress(choice.address, facts.reaperAtAddress);
  const { engine, ownContainer } = facts;
  const reading = 'value' in engine ? engine.value.hasReaperImage : undefined;
  const hasImage = reading !== undefined && 'value' in reading ? reading.value : undefined;
  switch (choice) {
    case 'off':
      return warning(`off: ${consequence}`, 'unset CASTOFF_REAPER');
    case 'container':
      if (hasImage === undefined) return warning(`container: ${unread}`, engineAdvice);
      return ok(`container: ${hasImage ? 'its image is there' : 'the first session builds its image'}`);
    case 'process':
      return judgeProcess('process, as CASTOFF_REAPER demands', ownContainer);
    case 'auto':
      if (hasImage === undefined) return warning(`auto: ${unread}`, engineAdvice);
      return hasImage
        ? ok(`auto takes the container: ${reaperImage} is on the engine`)
        : judgeProcess(`auto takes a process: ${reaperImage} is not on the engine`, ownContainer);
  }
}

function judgeProcess(text: string, ownContainer: string | undefined): CheckResult {
  if (ownContainer === undefined) return ok(text);
  return warning(`${text}, and a process ends with this container: ${consequence}`, buildAdvice);
}

function judgeAddress(address: string, connection: DoctorFacts['reaperAtAddress']): CheckResult {
  if (connection === undefined || 'value' in connection)
    return ok(`the one at ${address}, which accepts leases`);
  const [text = '', ...advice] = connection.error.split('; ');
  return failure(text, advice.join('; '));
}

function judgeImage(has: boolean, { socketPaths }: EngineReadings): CheckResult {
  if (!has) return ok(`${reaperImage} is not on the engine`, buildAdvice);
  return judgeReading(socketPaths, ([path = '']) => ok(`${reaperImage}; its container mounts ${path}`));
}

function judgeHostReaper(state: 'ready' | 'unresponsive' | 'absent'): CheckResult {
  switch (state) {
    case 'ready':
      return ok('a reaper runs as a process of this user');
    case 'absent':
      return ok('none runs; a session that needs one starts it');
    case 'unresponsive':
      return warning('a reaper runs and does not answer', 'the next session replaces it');
  }
}
