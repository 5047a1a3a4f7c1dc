/** The routes that were promised, from the design: method and path, as they stand there. */
// biome-ignore format: a table
export const PROMISED: readonly string[] = [
  'GET /health', 'GET /metrics', 'GET /openapi.json', 'GET /asyncapi.json', 'GET /docs',
  'POST /setup',
  'POST /auth/token', 'POST /auth/login', 'POST /auth/register', 'POST /auth/refresh',
  'POST /auth/logout', 'GET /auth/me', 'PATCH /auth/me',
  'GET /users', 'POST /users', 'GET /users/{id}', 'PATCH /users/{id}', 'DELETE /users/{id}',
  'GET /sessions', 'POST /sessions', 'GET /sessions/{id}', 'PATCH /sessions/{id}',
  'DELETE /sessions/{id}', 'GET /sessions/current', 'GET /sessions/current/recent',
  'GET /sessions/{id}/data', 'GET /sessions/{id}/events', 'POST /sessions/{id}/events',
  'POST /sessions/{id}/eeg', 'POST /sessions/{id}/face', 'POST /sessions/{id}/game',
  'GET /alerts', 'POST /alerts', 'GET /alerts/{id}', 'PATCH /alerts/{id}', 'DELETE /alerts/{id}',
  'POST /alerts/backtest', 'GET /alerts/history', 'POST /alerts/history/{id}/ack',
  'POST /export', 'GET /exports/{id}',
  'GET /diagnostics/pids', 'GET /diagnostics/vehicle', 'GET /diagnostics/readiness',
  'GET /diagnostics/freeze-frame', 'GET /diagnostics/dtc', 'DELETE /diagnostics/dtc',
  'GET /diagnostics/system',
  'GET /sources', 'POST /sources/{id}/restart',
  'GET /settings', 'PATCH /settings',
  'GET /backup', 'POST /restore', 'GET /audit',
  'POST /system/restart', 'POST /system/poweroff',
];
