#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Writes json-agreement.txt: what an independent reader, the json module of Python's standard library,
# says about texts, so that the exact reader can be held against it. Run: python3 json-agreement.py
#
# Python is laxer in four points, which are closed here from outside: NaN and Infinity, keys that occur
# twice, lone surrogates, and bytes that are not UTF-8. Numbers are kept as their lexemes.
#
# A line is `accept HEX HEX` (the text, and its compact form) or `reject HEX`.

import json
import random
import sys

SEED = 20261121

WRITTEN = [
    '', ' ', 'null', 'true', 'false', 'nul', 'truee', '0', '-0', '00', '01', '-01', '1.', '.1', '1.0', '-1.5e+10',
    '1e5', '1E-5', '1e', '1e+', '+1', '--1', '0x1', '1_000', '1e400', '-1e-400', '12345678901234567890123456789',
    '9007199254740993', 'NaN', 'Infinity', '-Infinity', '""', '"a', '"', '"\\"', '"\\\\"', '"\\/"', '"/"',
    '"\\b\\f\\n\\r\\t"', '"\\v"', '"\\u0000"', '"\\u000"', '"\\u00g0"', '"\\U0041"', '"\\ud83d\\ude00"',
    '"\\ud83d"', '"\\ude00"', '"\\ude00\\ud83d"', '"\\ud83d\\n"', '"\\ud83d\\u0041"', '"é"', '"\u2028"', '"\x7f"',
    '"\t"', '"\n"', '"\x1f"', '[]', '[ ]', '[', ']', '[1]', '[1,]', '[,1]', '[1,,2]', '[1 2]', '[1;2]', '[[]]',
    '[[]', '[]]', '{}', '{ }', '{', '}', '{"a":1}', '{"a":1,}', '{,}', '{"a"}', '{"a":}', '{:1}', '{a:1}',
    "{'a':1}", '{"a":1 "b":2}', '{"a":1,"b":2}', '{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '{"a":{"a":1}}',
    '{"":0}', '{"a":[1,{"b":null}]}', '1 2', '1,2', 'null null', '[1]x', '/*c*/1', '1//c', '\ufeff1', '\u00a01',
    '\x0b1', '\x0c1', ' \t\r\n1\r\n\t ', '"\\u0001\\u001f\\u0080"', '[true,false,null,0,"",[],{}]',
    '{"postings":[{"source":"world","destination":"users:1","amount":100,"asset":"USD/2"}],"metadata":{"k":"<&>"}}',
    '{"timestamp":"2026-11-21T09:00:00.25Z","reference":"r-1","force":true,"n":-12.50e-3}',
]
RAW = ['22ff22', '22c08022', '22eda08022', '22f490808022', '22e28222', '22f09f988022', '5b80', 'efbbbf31',
       '310031', '00', '5b315d00', '22c3a922']


class Lexeme(str):
    pass


def unique(pairs):
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError('key occurs twice')
    return dict(pairs)


def refuse(word):
    raise ValueError(word)


def compact(value):
    if isinstance(value, Lexeme):
        return str(value)
    if isinstance(value, dict):
        return '{' + ','.join(compact(key) + ':' + compact(item) for key, item in value.items()) + '}'
    if isinstance(value, list):
        return '[' + ','.join(map(compact, value)) + ']'
    return json.dumps(value, ensure_ascii=False)


def verdict(data):
    try:
        value = json.loads(data.decode('utf-8'), parse_int=Lexeme, parse_float=Lexeme, parse_constant=refuse,
                           object_pairs_hook=unique)
        return compact(value).encode('utf-8')
    except (ValueError, UnicodeError):
        return None


def mutate(chance, data):
    data = bytearray(data)
    alphabet = b'{}[]:,"\\/ 0123456789-+.eEtrufalsn\x00\x1f\x7f\x80\xc3\xa9\xed\xff'
    for _ in range(chance.randint(1, 3)):
        place = chance.randint(0, len(data))
        kind = chance.randint(0, 3)
        if kind == 0:
            data[place:place] = bytes([chance.choice(alphabet)])
        elif kind == 1:
            del data[place:place + chance.randint(1, 3)]
        elif kind == 2 and place < len(data):
            data[place] = chance.choice(alphabet)
        else:
            data = data[:place] + data[chance.randint(0, len(data)):]
    return bytes(data)


def main():
    chance = random.Random(SEED)
    texts = [text.encode('utf-8') for text in WRITTEN] + [bytes.fromhex(text) for text in RAW]
    accepted = [text for text in texts if verdict(text) is not None and len(text) > 4]
    texts += [mutate(chance, chance.choice(accepted)) for _ in range(1200)]
    lines = []
    for text in dict.fromkeys(texts):
        written = verdict(text)
        lines.append('reject ' + text.hex() if written is None else 'accept ' + text.hex() + ' ' + written.hex())
    head = '# json-agreement.py, seed %d, Python %d.%d\n' % (SEED, sys.version_info[0], sys.version_info[1])
    with open('json-agreement.txt', 'w', encoding='ascii', newline='\n') as file:
        file.write(head + '\n'.join(lines) + '\n')


main()
