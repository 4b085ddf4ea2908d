import { describe, expect, it } from '@jest/globals';
import type { ImageStep } from '../../lib/engine/image-calls';
import type { ListedTarget } from '../../lib/engine/list-targets';
import {
  judgeOwnership,
  nonceOfBuild,
  type OwnershipEvidence,
  type OwnershipProof,
} from '../../lib/resources/ownership';

type Labels = Readonly<Record<string, string>>;

const claim = ['castoff.session=s'];
const ofSession = { 'castoff.session': 's', 'castoff.start': 'k' };

function labelled(kind: string, nonce: string): Labels {
  return { ...ofSession, 'castoff.kind': kind, 'castoff.nonce': nonce };
}

function listed(kind: ListedTarget['kind'], labels: Labels, more: Partial<ListedTarget> = {}): ListedTarget {
  return { kind, id: kind, name: kind, labels, imageId: kind === 'container' ? 'i' : undefined, ...more };
}

function evidence(more: Partial<OwnershipEvidence> = {}): OwnershipEvidence {
  return { imageLabels: new Map(), histories: new Map(), recorded: [], ...more };
}

function judge(
  targets: readonly ListedTarget[],
  more: Partial<OwnershipEvidence> = {},
  labels = claim,
): readonly OwnershipProof['state'][] {
  return [...judgeOwnership(targets, labels, evidence(more)).values()].map(({ state }) => state);
}

const onImage = (labels: Labels): Partial<OwnershipEvidence> => ({ imageLabels: new Map([['i', labels]]) });

describe('a container that carries a claim', () => {
  it.each<readonly [what: string, state: OwnershipProof['state'], labels: Labels, image: Labels]>([
    ['of an image without labels', 'ours', labelled('container', 'n'), {}],
    ['of an older castoff', 'ours', ofSession, {}],
    [
      'of an image of the session, with its own nonce',
      'ours',
      labelled('container', 'n'),
      labelled('image', 'm'),
    ],
    ['of a snapshot', 'not-ours', labelled('container', 'n'), labelled('container', 'n')],
    ['of a snapshot by an older castoff', 'not-ours', ofSession, ofSession],
    [
      'of an image of the session, without its own labels',
      'not-ours',
      labelled('image', 'm'),
      labelled('image', 'm'),
    ],
    [
      'of an image of another session',
      'ours',
      labelled('container', 'n'),
      { ...labelled('image', 'm'), 'castoff.session': 'other' },
    ],
  ])('%s is judged %s', (_, state, labels, image) => {
    expect(judge([listed('container', labels)], onImage(image))).toEqual([state]);
  });

  it('without its image is unclear, unless its id was recorded or its kind differs', () => {
    const target = listed('container', labelled('container', 'n'));
    expect(judge([target])).toEqual(['unclear']);
    expect(judge([target], { recorded: [{ kind: 'container', key: 'k', id: target.id }] })).toEqual(['ours']);
    expect(judge([listed('container', labelled('image', 'n'))])).toEqual(['not-ours']);
  });

  it('is ours when a label of the claim is not from its image, whatever else it has inherited', () => {
    const project = 'com.docker.compose.project=p';
    const labels = { ...labelled('image', 'm'), 'com.docker.compose.project': 'p' };
    expect(judge([listed('container', labels)], onImage(labelled('image', 'm')), [project])).toEqual([
      'ours',
    ]);
  });

  it('without castoff’s labels is ours by the claim alone, as in Ryuk', () => {
    const labels = { 'org.testcontainers.session-id': 't' };
    const byRyuk = ['org.testcontainers.session-id=t'];
    expect(judge([listed('container', labels)], onImage(labels), byRyuk)).toEqual(['ours']);
    expect(judge([listed('container', labels)], {}, byRyuk)).toEqual(['ours']);
  });

  it('of Compose is not ours when its image is a snapshot of a container of the project', () => {
    const project = ['com.docker.compose.project=p'];
    const built = { 'com.docker.compose.project': 'p', 'com.docker.compose.service': 'app' };
    const container = { ...built, 'com.docker.compose.container-number': '1' };
    expect(judge([listed('container', container)], onImage(built), project)).toEqual(['ours']);
    expect(judge([listed('container', container)], onImage(container), project)).toEqual(['not-ours']);
    expect(judge([listed('image', container)], {}, project)).toEqual(['not-ours']);
    const histories = new Map([['image', []]]);
    expect(judge([listed('image', built)], { histories }, project)).toEqual(['ours']);
  });

  it('is unclear when another container has the same nonce', () => {
    const labels = labelled('container', 'n');
    const two = [listed('container', labels), listed('container', labels, { id: 'copy' })];
    expect(judge(two, onImage({}))).toEqual(['unclear', 'unclear']);
    const recorded = [{ kind: 'container', key: 'k', id: 'container' } as const];
    expect(judge(two, { ...onImage({}), recorded })).toEqual(['ours', 'unclear']);
  });
});

describe('a network or volume that carries a claim', () => {
  it('is ours unless it has the labels of another kind, or of another resource of its kind', () => {
    expect(judge([listed('volume', ofSession)])).toEqual(['ours']);
    expect(judge([listed('volume', labelled('volume', 'n'))])).toEqual(['ours']);
    expect(judge([listed('network', labelled('container', 'n'))])).toEqual(['not-ours']);
    const copy = listed('volume', labelled('volume', 'n'), { id: 'copy' });
    expect(judge([listed('volume', labelled('volume', 'n')), copy])).toEqual(['unclear', 'unclear']);
  });
});

describe('an image that carries a claim', () => {
  // Docker 20.10.24, the builder of the engine, newest first:
  const step = (createdBy: string, id = '<missing>'): ImageStep => ({ id, createdBy, comment: '' });
  const label = (pair: string, id?: string): ImageStep => step(`/bin/sh -c #(nop)  LABEL ${pair}`, id);
  const nonce = nonceOfBuild('n', ['castoff.kind', 'castoff.nonce', 'castoff.session', 'z']);
  const built = [
    label('z=1', 'image'),
    label('castoff.session=s'),
    label(`castoff.nonce=${nonce}`),
    label('castoff.kind=image'),
  ];
  const image = listed('image', labelled('image', nonce));
  const child = listed('image', labelled('image', nonce), { id: 'child' });
  const withHistories = (
    histories: Readonly<Record<string, readonly ImageStep[]>>,
  ): Partial<OwnershipEvidence> => ({
    histories: new Map(Object.entries(histories)),
  });

  it('is ours when the labels of its creation are the newest steps; an image built on it is not', () => {
    const histories = withHistories({ image: built, child: [label('mine=1'), ...built] });
    expect(judge([image, child], histories)).toEqual(['ours', 'not-ours']);
    expect(judgeOwnership([image, child], claim, evidence(histories)).get(image)).toEqual({
      state: 'ours',
      isBase: true,
    });
    expect(judge([child], histories)).toEqual(['not-ours']);
  });

  it('is ours when one step, or the comment of its newest step, names the nonce', () => {
    const comment = { id: '', createdBy: 'sleep 9', comment: 'castoff.nonce=n' };
    const one = listed('image', labelled('image', 'n'));
    expect(judge([one], withHistories({ image: [label('a=b castoff.nonce=n z=1')] }))).toEqual(['ours']);
    expect(judge([one], withHistories({ image: [comment, step('sh')] }))).toEqual(['ours']);
    expect(judge([one], withHistories({ image: [step('sh'), comment] }))).toEqual(['not-ours']);
  });

  it('without such a step is ours only by its recorded id', () => {
    const recorded = [{ kind: 'image', key: 'k', id: 'image' } as const];
    expect(judge([image, child])).toEqual(['unclear', 'unclear']);
    expect(judge([image, child], { recorded })).toEqual(['ours', 'not-ours']);
  });

  it('with a container’s labels is not ours', () => {
    expect(judge([listed('image', labelled('container', 'n'))])).toEqual(['not-ours']);
    expect(judge([listed('container', ofSession), listed('image', ofSession)], onImage({}))).toEqual([
      'ours',
      'unclear',
    ]);
  });

  it('of Testcontainers is ours when its labels are the newest steps; images built on it and their containers are not', () => {
    const labels = { 'org.testcontainers.session-id': 't' };
    const steps = [
      label('org.testcontainers.version=12', 'image'),
      label('org.testcontainers.session-id=t'),
      label('org.testcontainers.lang=node'),
      step('/bin/sh -c #(nop)  LABEL mine=1'),
    ];
    const images = [listed('image', labels), listed('image', labels, { id: 'child' })];
    const containers = [
      listed('container', labels, { imageId: 'image' }),
      listed('container', labels, { imageId: 'child' }),
    ];
    const histories = withHistories({ image: steps, child: [label('zoo=1'), ...steps] });
    expect(judge([...images, ...containers], histories, ['org.testcontainers.session-id=t'])).toEqual([
      'ours',
      'not-ours',
      'ours',
      'not-ours',
    ]);
  });

  it('of an older castoff, or of Testcontainers, is ours without a nonce', () => {
    expect(judge([listed('image', ofSession)])).toEqual(['ours']);
    const ofOthers = listed('image', { 'org.testcontainers.session-id': 't' });
    expect(judge([ofOthers], withHistories({ image: [] }))).toEqual(['ours']);
    expect(judge([ofOthers])).toEqual(['unclear']);
  });
});
