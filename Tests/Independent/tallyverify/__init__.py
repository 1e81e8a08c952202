# SPDX-License-Identifier: Apache-2.0
"""A second verifier of Tallystick's books, written from docs/formats alone.

It shares no code with the server, its kernel or its checker, and needs Python 3.11 and the package
`cryptography`. See README.md beside this folder.
"""
