import { describeRemovalFaults } from '../support/removal-faults';

describeRemovalFaults('image');
