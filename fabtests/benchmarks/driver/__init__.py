# SPDX-License-Identifier: BSD-2-Clause
"""The driver of the side-by-side benchmark; `run` beside this folder is its command."""
