/** As can-gateway.ts, with as many random calls as S14 wants: for when nobody waits. */
process.env['VIGIL_CAN_CALLS'] = '10000';
await import('./can-gateway.ts');
