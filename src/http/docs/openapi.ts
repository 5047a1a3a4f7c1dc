/**
 * The REST API as an OpenAPI 3.1 document, made of the list of routes and of the schemas that check what
 * clients send: what is not true of the gateway cannot stand in it. Section numbers are those of the
 * specification, https://spec.openapis.org/oas/v3.1.1.
 */
import * as v from 'valibot';
import { ROLES, type Role, type Scope } from '#core/account.ts';
import { scopeOf } from '../../accounts/roles.ts';
import { permissionOf } from '../authorise.ts';
import { FORM } from '../form.ts';
import { REASONS } from '../problem.ts';
import type { Access, AnyRoute } from '../route.ts';
import { exampleOf } from './example.ts';
import { bodyExample, idExample } from './examples.ts';
import { OF_PROBLEMS, REPLY_HEADERS, REQUEST_HEADERS } from './headers.ts';
import { ProblemShape, VOCABULARY } from './names.ts';
import { type Components, type JsonSchema, SchemaWriter } from './schema.ts';
import { AREAS, OVERVIEW, TAGS } from './words.ts';

/** A route as the documents see it: what it does with the gateway is nothing to them. */
export type AnyRoutes = readonly AnyRoute<never>[];

export interface OpenApi {
  readonly openapi: '3.1.1';
  readonly info: object;
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  /** By path, then by method in lower case. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Components; readonly securitySchemes: object };
}

export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  /** Empty where nobody has to log in. */
  readonly security: readonly object[];
  /** See `Access`. */
  readonly 'x-permission': Access;
  /** Who may, of those that have logged in, and with what. */
  readonly 'x-roles': Readonly<Partial<Record<Role, Scope>>>;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Media };
  /** By status. */
  readonly responses: Readonly<Record<string, Answer>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
  readonly example?: unknown;
}

export type Media = Readonly<
  Record<string, { readonly schema: JsonSchema; readonly example?: unknown }>
>;

interface Answer {
  readonly description: string;
  readonly headers?: Readonly<Record<string, Header>>;
  readonly content?: Media;
}

interface Header {
  readonly description: string;
  readonly schema: JsonSchema;
  readonly example: string;
}

/** What the addresses in the document are below. */
export const SERVER = '/api/v1';
const JSON_TYPE = 'application/json';
const PROBLEM_TYPE = 'application/problem+json';
const FILE_TYPE = 'application/octet-stream';
/** Bytes are no JSON: they are told as clients made of the document expect it. */
const BYTES: JsonSchema = { type: 'string', format: 'binary' };
/** Such as these documents, which have a standard of their own. */
const ANY_OBJECT = v.record(v.string(), v.unknown());

export function openApi(routes: AnyRoutes): OpenApi {
  const writer = new SchemaWriter(VOCABULARY);
  const problem: Media = { [PROBLEM_TYPE]: { schema: writer.write(ProblemShape, 'output') } };
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    const method = route.method.toLowerCase();
    paths[path] = { ...paths[path], [method]: operation(route, writer, problem) };
  }
  const names = new Set(routes.map(tagOf));
  return {
    openapi: '3.1.1',
    info: {
      title: 'Vigil',
      // Of the API, not of the software, which whoever has not logged in is not told.
      version: '1',
      summary: 'What a gateway in a car measures of vehicle and driver, live and recorded.',
      description: OVERVIEW,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      contact: { name: 'Whoever runs this gateway' },
    },
    servers: [{ url: SERVER }],
    tags: [...names].toSorted().map((name) => ({ name, description: TAGS[name] ?? name })),
    paths,
    components: { schemas: writer.components(), securitySchemes: SECURITY },
  };
}

const SECURITY = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'The access token of a log-in, good for 15 minutes.',
  },
  // RFC 6749 clause 4.3.
  password: {
    type: 'oauth2',
    description: 'The same token, for clients that log in by themselves.',
    flows: {
      password: {
        tokenUrl: `${SERVER}/auth/token`,
        refreshUrl: `${SERVER}/auth/refresh`,
        scopes: {},
      },
    },
  },
};

function operation(route: AnyRoute<never>, writer: SchemaWriter, problem: Media): Operation {
  const parameters = [
    ...pathParameters(route),
    ...queryParameters(route, writer),
    ...headerParameters(route),
  ];
  const requestBody = bodyOf(route, writer);
  const { access, summary } = route;
  return {
    operationId: operationId(route),
    tags: [tagOf(route)],
    summary: firstSentence(summary),
    description: [
      summary,
      ...(route.atRoot ? [`Also at ${route.path}.`] : []),
      whoMay(access),
    ].join(' '),
    security: isFree(access) ? [] : [{ bearer: [] }, { password: [] }],
    'x-permission': access,
    'x-roles': rolesOf(access),
    ...(parameters.length > 0 && { parameters }),
    ...(requestBody && { requestBody }),
    responses: { ...goodAnswers(route, writer), ...problems(route, problem) },
  };
}

/** `GET /sessions/:id/data` is getSessionsByIdData: as unique as the two are. */
function operationId({ method, path }: AnyRoute<never>): string {
  const words = path
    .slice(1)
    .replaceAll(':', 'by-')
    .split(/[^A-Za-z0-9]+/);
  const capital = (word: string) => word.slice(0, 1).toUpperCase() + word.slice(1);
  return method.toLowerCase() + words.map(capital).join('');
}

/** The area: the first part of the path, or that which it belongs to. */
function tagOf({ path }: AnyRoute<never>): string {
  const first = path.split('/')[1] ?? '';
  return AREAS[first] ?? first;
}

function isFree(access: Access): access is 'open' | 'claimed' {
  return access === 'open' || access === 'claimed';
}

/** What each role may, without those that may nothing. */
export function rolesOf(access: Access): Readonly<Partial<Record<Role, Scope>>> {
  const scopes = ROLES.map(
    (role) => [role, isFree(access) ? 'all' : scopeOf(role, permissionOf(access))] as const,
  );
  return Object.fromEntries(scopes.filter(([, scope]) => scope !== 'none'));
}

export function whoMay(access: Access): string {
  if (access === 'open') return 'Anybody may.';
  if (access === 'claimed') return 'Anybody may, once the gateway has been claimed.';
  const roles = Object.entries(rolesOf(access)).map(([role, scope]) =>
    scope === 'own' ? `${role} (of their own)` : role,
  );
  const local = access.endsWith(' or local')
    ? ', and without a token programs on its computer'
    : '';
  return `For ${roles.join(', ')}${local}.`;
}

function pathParameters({ path }: AnyRoute<never>): Parameter[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    ...{ name, in: 'path' as const, required: true },
    schema: { type: 'string' as const, minLength: 1 },
    example: idExample(path, name),
  }));
}

function queryParameters({ query }: AnyRoute<never>, writer: SchemaWriter): Parameter[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = writer.write(query, 'input');
  return Object.entries(properties).map(([name, schema]) => {
    const json = typeof schema === 'object' ? schema : {};
    const base = { name, in: 'query' as const, required: required.includes(name), schema: json };
    return { ...base, example: exampleOf(json, writer.components(), name) };
  });
}

function headerParameters({ reads, tagged }: AnyRoute<never>): Parameter[] {
  const own = tagged ? ({ 'If-None-Match': 'optional' } as const) : {};
  const needs = new Map(Object.entries({ ...own, ...reads }));
  return Object.entries(REQUEST_HEADERS)
    .filter(([name]) => needs.has(name))
    .map(([name, { about, example }]) => ({
      ...{ name, in: 'header' as const, required: needs.get(name) === 'required' },
      ...{ description: about, schema: { type: 'string' as const }, example },
    }));
}

/** As a member of an answer; nothing where there are none. */
function headersOf(names: readonly string[]): Pick<Answer, 'headers'> {
  const headers = Object.entries(REPLY_HEADERS)
    .filter(([name]) => names.includes(name))
    .map(([name, { about, example }]) => {
      return [name, { description: about, schema: { type: 'string' as const }, example }] as const;
    });
  return headers.length === 0 ? {} : { headers: Object.fromEntries(headers) };
}

function bodyOf(route: AnyRoute<never>, writer: SchemaWriter): Operation['requestBody'] {
  const { body, forms, takes = [FILE_TYPE] } = route;
  if (body === undefined) return undefined;
  if (body.type === 'instance') {
    const files = takes.map((type) => [type, { schema: contentSchema(type, writer) }] as const);
    return { required: true, content: Object.fromEntries(files) };
  }
  const schema = writer.write(body, 'input');
  const example = bodyExample(route) ?? exampleOf(schema, writer.components());
  const types = [JSON_TYPE, ...(forms ? [FORM] : [])];
  const content = types.map((type) => [type, { schema, example }] as const);
  return { required: body.type !== 'optional', content: Object.fromEntries(content) };
}

/** The statuses with which it goes well, or tells of itself that it does not. */
function goodAnswers(route: AnyRoute<never>, writer: SchemaWriter): Record<string, Answer> {
  const content = contentOf(route, writer);
  const answers = statusesOf(route).map((status) => {
    const description = REASONS[status] ?? '';
    // What will be a file is not one yet.
    const isEmpty = content === undefined || [202, 204, 304].includes(status);
    const answer = { description, ...headersOf(toldWith(status, route)) };
    return [status, isEmpty ? answer : { ...answer, content }] as const;
  });
  return Object.fromEntries(answers);
}

function toldWith(status: number, { tells, tagged }: AnyRoute<never>): readonly string[] {
  const own = tagged ? { ETag: [200, 304] } : {};
  const told = Object.entries({ ...own, ...tells }).filter(([, statuses]) =>
    statuses.includes(status),
  );
  return told.map(([name]) => name);
}

function statusesOf({ status, statuses, reply, tagged }: AnyRoute<never>): readonly number[] {
  if (statuses) return statuses;
  if (tagged) return [200, 304];
  // Without a parameter it says the same of every reply.
  if (status) return [status(undefined)];
  return [reply.type === 'void' ? 204 : 200];
}

function contentOf({ reply, produces = [FILE_TYPE] }: AnyRoute<never>, writer: SchemaWriter) {
  if (reply.type === 'void') return undefined;
  if (reply.type === 'instance') {
    const files = produces.map((type) => [type, { schema: contentSchema(type, writer) }] as const);
    return Object.fromEntries(files);
  }
  const schema = writer.write(reply, 'output');
  return { [JSON_TYPE]: { schema, example: exampleOf(schema, writer.components()) } };
}

/** Of a reply or a body that is no value: what is known of it by its type. */
function contentSchema(type: string, writer: SchemaWriter): JsonSchema {
  if (type === JSON_TYPE) return writer.write(ANY_OBJECT, 'output');
  return type.startsWith('text/') ? { type: 'string' } : BYTES;
}

/** What follows from what a route takes and who may, and what it says itself. */
function problems(route: AnyRoute<never>, content: Media): Record<string, Answer> {
  const { access, body, query, path, statuses = [] } = route;
  const found = new Set<number>([
    ...[429, 500, ...(statuses.includes(503) ? [] : [503])],
    ...(isFree(access) ? [] : [401, 403]),
    ...(access === 'claimed' ? [403] : []),
    ...(path.includes(':') ? [400, 404] : []),
    ...(body ? [400, 408, 413, 415] : []),
    ...((query ?? takesJson(body)) ? [422] : []),
    ...(route.problems ?? []),
  ]);
  const answers = [...found].map((status) => [
    status,
    { description: REASONS[status] ?? '', ...headersOf(OF_PROBLEMS[status] ?? []), content },
  ]);
  return Object.fromEntries(answers);
}

function takesJson(body: v.GenericSchema | undefined): boolean {
  return body !== undefined && body.type !== 'instance';
}

function firstSentence(text: string): string {
  return /^.*?[.;:](?= |$)/.exec(text)?.[0]?.replace(/[.;:]$/, '') ?? text;
}
