# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the desk says when it cannot do what was asked. The docstring is the sentence."""

from intake.errors import Exit, UndersealError


class DeskError(UndersealError):
    """the desk cannot do this"""


class NoVault(DeskError):
    """no vault in {}"""

    exit_code = Exit.MISSING
    hint = "underseal desk init makes one"


class VaultThere(DeskError):
    """{} is not empty: a vault is never written over"""

    hint = "choose another folder with --dir"


class VaultCut(DeskError):
    """{} holds the beginnings of a vault without vault.json: its making was cut, or its vault.json is lost"""

    hint = "after an init or restore that was cut, remove the folder and run it again; else put vault.json back"


class NotSetUp(DeskError):
    """{} is missing or not what the ceremony makes"""

    exit_code = Exit.MISSING


class VaultFileRefused(DeskError):
    """vault.json is not acceptable: {}"""

    exit_code = Exit.UNTRUSTED
    hint = "put back the vault.json that was made together with this vault"


class VaultLocked(DeskError):
    """another desk program has this vault open (process {})"""

    hint = "end that one first; the lock goes with it"


class WrongVaultPassphrase(DeskError):
    """the passphrase does not open this vault"""

    exit_code = Exit.PASSPHRASE
    hint = "look at Caps Lock, the keyboard's layout and the folder; if it is certainly right, restore a copy"


class WrongKeyPassphrase(DeskError):
    """the passphrase does not open {}"""

    exit_code = Exit.PASSPHRASE


class NetworkUp(DeskError):
    """a network is up ({}): the desk works offline only"""

    hint = "unplug the cable, turn the radio off, then try again"


class NetworkUnknown(DeskError):
    """cannot tell whether a network is up, so the desk does not start"""


class NoSuchReport(DeskError):
    """nothing here begins with {}"""

    exit_code = Exit.MISSING
    hint = "underseal desk list shows them"


class ManyReports(DeskError):
    """{} of them begin with {}: give more digits"""

    exit_code = Exit.USAGE


class IdTooShort(DeskError):
    """an id is given by at least 4 of its hexadecimal digits, not {}"""

    exit_code = Exit.USAGE


class NoSuchCode(DeskError):
    """{} is not a code of the codebook{}"""

    exit_code = Exit.USAGE
    hint = "underseal desk codes lists them"


class KindIsNoCode(DeskError):
    """{} is a kind, not a code: choose one or more of {}"""

    exit_code = Exit.USAGE


class ReasonNeeded(DeskError):
    """closing a report needs a reason; nothing was changed"""

    exit_code = Exit.USAGE


class NothingWritten(DeskError):
    """there was no text; nothing was changed"""

    exit_code = Exit.USAGE


class TextTooLong(DeskError):
    """a text is at most {} bytes; nothing was changed"""

    exit_code = Exit.USAGE


class BundleFault(DeskError):
    """bundle refused, nothing was stored: {} ({})"""

    exit_code = Exit.UNTRUSTED


class VerifyFailed(DeskError):
    """the vault does not hold together: {}"""

    exit_code = Exit.UNTRUSTED
    hint = "keep this folder as it is, and compare it with a copy"


class NewerVault(DeskError):
    """this vault is of another version ({}) than this program reads; it was not touched"""


class NotStored(DeskError):
    """nothing was changed: the vault could not be written ({})"""

    exit_code = Exit.STORAGE


class Damaged(DeskError):
    """the vault's file is damaged: {}"""

    exit_code = Exit.STORAGE
    hint = "work on a copy; underseal desk verify names what is wrong"


class WordsRefused(DeskError):
    """the sealed words of {} are not those that were filed; they are not shown"""

    exit_code = Exit.UNTRUSTED
    hint = "underseal desk verify names what is wrong"


class NotOurKey(DeskError):
    """the key in {} does not open it"""

    hint = "the words are sealed to the custodian and to counsel; give one of their keys with --identity"


class NothingKept(DeskError):
    """{} was set aside unopened: there are no words to show"""


class ReadAgain(DeskError):
    """the bundle could not be read to its end; what is filed is whole"""

    exit_code = Exit.STORAGE
    hint = "put the stick back and run the same command again: it goes on where it stopped"


class DeskKeyDiffers(DeskError):
    """the key in {} is not the desk key of the key lists"""

    exit_code = Exit.UNTRUSTED


class MonthRefused(DeskError):
    """a month is written YYYY-MM, not {}"""

    exit_code = Exit.USAGE


class NameRefused(DeskError):
    """a reviewer's name is 1 to 80 printable characters"""

    exit_code = Exit.USAGE


class TextUnreadable(DeskError):
    """the {} could not be read as UTF-8 text"""


class NoneOpened(DeskError):
    """none of the {} envelopes opens with these identities: they are kept, and the bundle is not acknowledged"""

    exit_code = Exit.UNTRUSTED
    hint = "give the right file with --holder, or say --all-junk if no letter can be among them"


class FileRefused(DeskError):
    """{} is not an envelope, nothing was stored: {} ({})"""

    exit_code = Exit.UNTRUSTED
    hint = "a file that was sealed for this office is named letter.age unless somebody renamed it"


class FileUnopened(DeskError):
    """{} opens with none of these identities: it is kept, set aside"""

    exit_code = Exit.UNTRUSTED
    hint = "underseal desk retry --holder FILE tries it with other identities, while those exist"


class OneOrTheOther(DeskError):
    """give bundles, or one sealed file with --file and neither --outgoing nor --all-junk"""

    exit_code = Exit.USAGE


class BatchRefused(DeskError):
    """{} does not say which week each of its keys is of, as underseal keys holder writes it"""

    exit_code = Exit.UNTRUSTED
    hint = "nothing was changed; use the file as it was made"


class NothingMayGo(DeskError):
    """no week's keys may be destroyed yet: {}"""

    hint = "a bundle pulled at least a day after a week's last letters were due must be received first"


class ReceivedRefused(DeskError):
    """{} does not say what may be destroyed: {}"""

    exit_code = Exit.UNTRUSTED
    hint = "underseal desk received-until, at the desk, makes a new one"


class NotAgreed(DeskError):
    """that was not agreed to; nothing was changed"""


class NotDestroyed(DeskError):
    """the record is written, and the keys in {} are still there: {}"""

    exit_code = Exit.STORAGE
    hint = "run the same command again"


class HolderForeign(DeskError):
    """none of the keys in {} is in the lists of {}"""

    exit_code = Exit.UNTRUSTED
    hint = "give the folder that was signed together with this batch, or the right batch"


class ListsOlder(DeskError):
    """these key lists end with {}, and this desk knows lists up to {}; nothing was changed"""

    exit_code = Exit.UNTRUSTED


class OfficeMismatch(DeskError):
    """{} does not belong to this office: {}"""

    exit_code = Exit.UNTRUSTED


class FingerprintDiffers(DeskError):
    """this folder's root is not the one on the card"""

    exit_code = Exit.UNTRUSTED
    hint = "stop here: somebody may have exchanged the folder; ask for it again, by another way"


class StickMissing(DeskError):
    """there is no folder {}: is the stick in"""

    exit_code = Exit.MISSING


class RoleMissing(DeskError):
    """you may not {}: that needs the role {}"""

    exit_code = Exit.USAGE
    hint = "underseal desk people shows who has which role"


class PassphraseTaken(DeskError):
    """this passphrase opens somebody else's door; nothing was changed"""

    exit_code = Exit.PASSPHRASE
    hint = "let another one be made, by dice"


class NoSuchPerson(DeskError):
    """nobody at this desk is named so, or more than one is"""

    exit_code = Exit.MISSING
    hint = "underseal desk people lists them"


class NameTaken(DeskError):
    """somebody at this desk is named so already, or nearly so; nothing was changed"""

    exit_code = Exit.USAGE
    hint = "underseal desk people lists them"


class OwnDoor(DeskError):
    """nobody closes their own door; nothing was changed"""

    exit_code = Exit.USAGE
    hint = "another custodian does it: underseal desk roles makes one"


class LastCustodian(DeskError):
    """somebody at the desk must remain custodian; nothing was changed"""

    exit_code = Exit.USAGE


class Isolated(DeskError):
    """{} is isolated: it may hold a classified marking. Stop, copy nothing, keep this machine as it is, call counsel"""

    exit_code = Exit.USAGE
    hint = "only counsel, with counsel's own key, sees it or decides on it"


class TooManyDoors(DeskError):
    """a vault has at most {} doors; nothing was changed"""


class Held(DeskError):
    """a hold refuses this ({}): nothing was erased"""

    hint = "underseal desk hold lists them; counsel ends one"


class NoSuchHold(DeskError):
    """no hold that stands has this id; nothing was changed"""

    exit_code = Exit.MISSING


class NotDue(DeskError):
    """{} is not due by the schedule: nothing was erased"""

    hint = "underseal desk retention shows what is due, and why"


class Erased(DeskError):
    """the words of {} were erased by the schedule; the log says when and by which rule"""

    exit_code = Exit.MISSING


class CopyRefused(DeskError):
    """this is not a copy that can be gone back to: {}"""

    exit_code = Exit.UNTRUSTED
    hint = "try another copy; nothing was made"


class CopyTooWide(DeskError):
    """more people have joined than a copy can name; nothing was written"""

    hint = "keep a copy of the whole folder instead: the passphrases lock it"


class CopyDiffers(DeskError):
    """this copy, of {}, does not end where you say: it is older or another; nothing was made"""

    exit_code = Exit.UNTRUSTED
    hint = "look for a newer copy; without --expect it is shown and asked for"


class NoTraining(DeskError):
    """{} is not a folder that underseal desk train made"""

    exit_code = Exit.MISSING
