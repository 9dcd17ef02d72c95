/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keys.h"

#include "base/error.h"

/* Linux numbers its first keys as the XT keyboard did; from here on they part. */
#define LAST_COMMON_KEY 83

/* linux/input-event-codes.h -> XT with 0x80 for what the 0xe0 prefix leads in. */
static const struct {
    unsigned short linux_code, number;
} others[] = {
    {85, 0x76},  /* zenkaku/hankaku */
    {86, 0x56},  /* the key beside the left shift of ISO keyboards */
    {87, 0x57},  /* F11 */
    {88, 0x58},  /* F12 */
    {89, 0x73},  /* ro */
    {90, 0x78},  /* katakana */
    {91, 0x77},  /* hiragana */
    {92, 0x79},  /* henkan */
    {93, 0x70},  /* katakana/hiragana */
    {94, 0x7b},  /* muhenkan */
    {95, 0x5c},  /* keypad comma, Japanese */
    {96, 0x9c},  /* keypad enter */
    {97, 0x9d},  /* right control */
    {98, 0xb5},  /* keypad slash */
    {99, 0x54},  /* sysrq */
    {100, 0xb8}, /* right alt */
    {101, 0x5b}, /* line feed */
    {102, 0xc7}, /* home */
    {103, 0xc8}, /* up */
    {104, 0xc9}, /* page up */
    {105, 0xcb}, /* left */
    {106, 0xcd}, /* right */
    {107, 0xcf}, /* end */
    {108, 0xd0}, /* down */
    {109, 0xd1}, /* page down */
    {110, 0xd2}, /* insert */
    {111, 0xd3}, /* delete */
    {113, 0xa0}, /* mute */
    {114, 0xae}, /* volume down */
    {115, 0xb0}, /* volume up */
    {116, 0xde}, /* power */
    {117, 0x59}, /* keypad equal */
    {119, 0xc6}, /* pause */
    {121, 0x7e}, /* keypad comma */
    {122, 0x72}, /* hangul */
    {123, 0x71}, /* hanja */
    {124, 0x7d}, /* yen */
    {125, 0xdb}, /* left meta */
    {126, 0xdc}, /* right meta */
    {127, 0xdd}, /* menu */
    {142, 0xdf}, /* sleep */
    {143, 0xe3}, /* wake up */
};

static unsigned from_linux(unsigned code)
{
    if (code <= LAST_COMMON_KEY)
        return code;
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        if (others[i].linux_code == code)
            return others[i].number;
    return 0;
}

int key_translate(unsigned codeset, unsigned code, unsigned *ret_number, GError **error)
{
    unsigned number = 0;

    switch (codeset) {
    case VIR_KEYCODE_SET_LINUX:
        number = from_linux(code);
        break;
    case VIR_KEYCODE_SET_XT:
    case VIR_KEYCODE_SET_QNUM:
        number = code <= 0xff ? code : 0;
        break;
    default:
        error_set(error, VIR_ERR_INVALID_ARG,
                  "key code set %u is not known here: use linux, xt or qnum", codeset);
        return -1;
    }
    if (!number) {
        error_set(error, VIR_ERR_INTERNAL_ERROR, "cannot translate keycode %u of key code set %u",
                  code, codeset);
        return -1;
    }
    *ret_number = number;
    return 0;
}
