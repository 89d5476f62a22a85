\set order random(1, 10000)
\set seller random(100001, 101000)
\set key random(1, 9000000000000000000)
SELECT ledger.post('release:' || :key, '\x0000000000000000000000000000000000000000000000000000000000000000',
    'release', 'order', '00000000-0000-4000-8000-000000000001',
    '{escrow,seller_pending,platform_fees,tax_payable}',
    ARRAY[('00000000-0000-4000-8000-' || lpad((:order)::text, 12, '0'))::uuid, ('00000000-0000-4000-8000-' || lpad((:seller)::text, 12, '0'))::uuid,
          '00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000'],
    '{"","","",""}', '{EUR,EUR,EUR,EUR}', '{-100,80,15,5}');
